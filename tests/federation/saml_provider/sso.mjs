// samlp, Auth0's identity provider, for a browser: `node sso.mjs CONFIG`. It prints its URL when it listens.
//   /sso     answers an AuthnRequest; /start begins by itself. Both show a page with a form that a person sends.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import samlp from "samlp";

const { claims, subject, ...config } = JSON.parse(readFileSync(process.argv[2]));
const profileMapper = () => ({ getClaims: () => claims, getNameIdentifier: () => ({ nameIdentifier: subject }) });
profileMapper.prototype = {};
const options = { cert: readFileSync("idp.crt"), key: readFileSync("idp.key"), ...config, profileMapper };
const attribute = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

const page = (answer, inResponseTo, relayState) =>
  samlp.getSamlResponse({ ...options, inResponseTo }, { id: subject }, (error, response) => {
    const packed = Buffer.from(String(error ?? response)).toString("base64");
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><title>Corp</title><form method="post" action="${config.destination}">
      <input type="hidden" name="SAMLResponse" value="${packed}">
      <input type="hidden" name="RelayState" value="${attribute(relayState)}"><button>Sign in at Corp</button></form>`);
  });

const server = createServer((request, answer) => {
  const url = new URL(request.url, "http://localhost");
  const query = Object.fromEntries(url.searchParams);
  if (url.pathname === "/start") return page(answer, undefined, "");
  samlp.parseRequest({ method: "GET", query, body: {} }, { signerPublicKey: undefined }, (error, asked) =>
    error || !asked ? answer.writeHead(400).end(String(error)) : page(answer, asked.id, query.RelayState ?? ""),
  );
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
