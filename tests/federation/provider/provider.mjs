// An OpenID Connect provider behind TLS: `node provider.mjs ADDRESS KEY CERTIFICATE [REDIRECT_URI [ROLE]]`. It prints a line when it listens.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [address, key, cert, redirect, role] = process.argv.slice(2);
const keys = [["RS256", "rsa", { modulusLength: 2048 }], ["ES256", "ec", { namedCurve: "P-256" }]].map(
  ([alg, type, options]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), alg, kid: alg, use: "sig",
  }),
);
const client = (client_id) => ({
  client_id, client_secret: "a-secret-of-this-test", grant_types: ["client_credentials"], redirect_uris: [],
  response_types: [], token_endpoint_auth_method: "client_secret_post",
});
const ofPeople = {
  client_id: "cli", application_type: "native", token_endpoint_auth_method: "none", response_types: ["code"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  redirect_uris: ["http://127.0.0.1/callback"],
};
const ofBrowsers = redirect && {
  client_id: "console", client_secret: "a secret: of/this+test", token_endpoint_auth_method: "client_secret_basic",
  response_types: ["code"], grant_types: ["authorization_code"], redirect_uris: [redirect],
};
const provider = new Provider(`https://${address}`, {
  clients: [client("job"), ofPeople, ...(ofBrowsers ? [ofBrowsers] : [])],
  jwks: { keys },
  scopes: ["openid", "offline_access", "email", "aws"],
  claims: { openid: ["sub"], email: ["email"], aws: ["aws_roles"] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@example.com`, ...(role && { aws_roles: [role] }) }),
  }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: "",
        audience: resource.replace("urn:audience:", ""),
        accessTokenFormat: "jwt",
        accessTokenTTL: 600,
        jwt: { sign: { alg: resource.endsWith("curve") ? "ES256" : "RS256" } },
      }),
    },
  },
});
createServer({ key: readFileSync(key), cert: readFileSync(cert) }, provider.callback()).listen(443, address, () => {
  console.log("listening");
});
