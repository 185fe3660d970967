"""Which operations has sign-in by a provider?"""

from keystead.identity.signin.asked import federated_shapes as shapes
from keystead.identity.signin.outside import federated, oidc, saml
from keystead.registry import Implementation

FEDERATED = (
    Implementation(shapes.START_SAML, saml.start_saml),
    Implementation(shapes.TAKE_SAML_RESPONSE, saml.take_saml_response),
    Implementation(shapes.DESCRIBE_ARRIVAL, federated.describe_arrival),
    Implementation(shapes.CONTINUE, federated.continue_sign_in),
    Implementation(shapes.START_OIDC, oidc.start_oidc),
    Implementation(shapes.TAKE_OIDC_CODE, oidc.take_oidc_code),
)
