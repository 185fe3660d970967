-- Instances and associations of one Region are read in the order of their ids, a page at a time.

CREATE INDEX ec2_instance_region ON ec2_instance (account, region, instance_id);
CREATE INDEX ec2_profile_association_region
    ON ec2_profile_association (account, region, association_id);
