// samlp, Auth0's identity provider: responses that are asked for on the standard input, one JSON object a line.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import samlp from "samlp";

const read = (name) => readFileSync(name);
const here = { cert: read("idp.crt"), key: read("idp.key") };
const sealed = { encryptionCert: read("sp.crt"), encryptionPublicKey: read("sp.pub") };

for await (const line of createInterface({ input: process.stdin })) {
  const { claims, subject, encrypt, ...options } = JSON.parse(line);
  const profileMapper = () => ({
    getClaims: () => claims,
    getNameIdentifier: () => ({ nameIdentifier: subject }),
  });
  profileMapper.prototype = {};
  const config = { ...here, ...(encrypt ? sealed : {}), ...options, profileMapper };
  samlp.getSamlResponse(config, { id: subject }, (error, response) => {
    const told = error ? { error: String(error) } : { response: Buffer.from(String(response)).toString("base64") };
    console.log(JSON.stringify(told));
  });
}
