"""The rows of the EC2 operations.

Request quotas of EC2 are buckets for each operation; AWS publishes no numbers for these few, so
that they have none here.
"""

from keystead.rules import Rules, table
from keystead.wire.models import ec2 as api

EC2 = table(
    Rules(api.DescribeVpcEndpointServices),
)
