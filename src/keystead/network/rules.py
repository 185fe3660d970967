"""The rows of the EC2 operations."""

from keystead.rules import Rules, table
from keystead.wire.models import ec2 as api

EC2 = table(
    Rules(
        api.AssociateIamInstanceProfile, asks=("ec2:AssociateIamInstanceProfile", "iam:PassRole")
    ),
    Rules(api.CreateTags),
    Rules(
        api.CreateVpcEndpoint,
        asks=("ec2:CreateVpcEndpoint", "vpce:AllowMultiRegion", "ec2:CreateTags"),
    ),
    Rules(api.DeleteTags),
    Rules(api.DeleteVpcEndpoints),
    Rules(api.DescribeIamInstanceProfileAssociations),
    Rules(api.DescribeInstances),
    Rules(api.DescribePrefixLists),
    Rules(api.DescribeTags),
    Rules(api.DescribeVpcEndpointServices),
    Rules(api.DescribeVpcEndpoints),
    Rules(api.DisassociateIamInstanceProfile),
    Rules(api.GetInstanceMetadataDefaults),
    Rules(api.ModifyInstanceMetadataDefaults),
    Rules(api.ModifyInstanceMetadataOptions),
    Rules(api.ModifyVpcEndpoint, asks=("ec2:ModifyVpcEndpoint", "vpce:AllowMultiRegion")),
    Rules(
        api.ReplaceIamInstanceProfileAssociation,
        asks=("ec2:ReplaceIamInstanceProfileAssociation", "iam:PassRole"),
    ),
)
