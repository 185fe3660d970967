"""What was refused, and who may hear of it?"""
