"""How long does a decision take?  The interpreter, the residual, compiling: microseconds.

The typical decision: kms:Encrypt by a user with three policies of their own and two groups, on a
key whose policy has four statements. The least processor time of several rounds: what other work on
the machine adds is not ours.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from keystead.policy.enforcement.codegen import Shapes
from keystead.policy.enforcement.enforce import Enforcer
from keystead.policy.enforcement.quick_statements import QuickForms
from keystead.policy.enforcement.specialise import compile_residual
from keystead.policy.evaluation.evaluate import evaluate
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    Question,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind, compile_policy

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROUNDS, SECONDS = 25, 0.05


def text(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


KEY_POLICY = text(
    {
        "Sid": "Enable IAM policies",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    },
    {
        "Sid": "Administrators",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/KeyAdmin"},
        "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:Put*", "kms:Update*"],
        "Resource": "*",
    },
    {
        "Sid": "Users",
        "Effect": "Allow",
        "Principal": {
            "AWS": [f"arn:aws:iam::{ACCOUNT}:role/App", f"arn:aws:iam::{ACCOUNT}:user/b"]
        },
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
        "Resource": "*",
    },
    {
        "Sid": "Tls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    },
)
OWN = [
    text(
        {
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": f"arn:aws:kms:*:{ACCOUNT}:key/*",
            "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "${aws:username}"}},
        }
    ),
    text({"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}),
    text(
        {
            "Effect": "Deny",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}},
        }
    ),
    text({"Effect": "Allow", "Action": ["iam:GetUser", "iam:ListUsers"], "Resource": "*"}),
    text({"Effect": "Allow", "Action": ["kms:Describe*", "kms:List*"], "Resource": "*"}),
]


def typical() -> Question:
    def source(content: str, kind: DocumentKind, name: str) -> PolicySource:
        return PolicySource(compile_policy(content, kind), name, USER)

    own = tuple(source(one, DocumentKind.IDENTITY, f"p{i}") for i, one in enumerate(OWN))
    context = RequestContext(
        principal=Principal(PrincipalType.USER, USER, ACCOUNT, "AIDAEXAMPLE", name="alice"),
        action="kms:Encrypt",
        resource=KEY,
        resource_account=ACCOUNT,
        keys={
            "aws:username": "alice",
            "aws:sourceip": "10.1.2.3",
            "aws:securetransport": "true",
            "aws:principalarn": USER,
            "kms:encryptioncontext:tenant": "alice",
            "kms:encryptioncontextkeys": ("tenant",),
        },
    )
    policies = ApplicablePolicies(
        principal=PrincipalPolicies(identity_based=own),
        resource_based=(source(KEY_POLICY, DocumentKind.KEY, "default"),),
        resource_policy_required=True,
    )
    return Question(context, policies)


def microseconds(function: Callable[[], object]) -> float:
    """The least over some rounds of one call's processor time."""
    function()
    least = math.inf
    for _ in range(ROUNDS):
        calls, start = 0, time.process_time()
        while (elapsed := time.process_time() - start) < SECONDS:
            for _ in range(100):
                function()
            calls += 100
        least = min(least, elapsed / calls * 1e6)
    return least


def main() -> None:
    question = typical()
    policies = question.policies
    enforcer, shapes = Enforcer(), partial(Shapes().code, ACCOUNT)
    forms = partial(QuickForms().of, ACCOUNT)
    if not enforcer.decide(question).allowed:
        raise SystemExit("the typical decision does not allow")
    figures: dict[str, Callable[[], object]] = {
        "residual, allow": lambda: enforcer.decide(question),
        "interpreter with trace": lambda: evaluate(question),
        "compile a new combination": lambda: compile_residual(
            policies, "kms:Encrypt", shapes, forms
        ),
        "… of a new shape": lambda: (
            compile_residual(policies, "kms:Encrypt", partial(Shapes().code, ACCOUNT), forms),
        ),
        "… of new documents": lambda: compile_residual(
            policies, "kms:Encrypt", shapes, partial(QuickForms().of, ACCOUNT)
        ),
        "compile the key policy": lambda: compile_policy(KEY_POLICY, DocumentKind.KEY),
    }
    for name, function in figures.items():
        print(f"{name:28}{microseconds(function):8.2f} µs")


if __name__ == "__main__":
    main()
