// A certified OpenID provider: whoever types a login name on its development pages is that person.
// Prints its address in one line; begins to answer once it has read its settings as one line of JSON:
// {"people": {login: {claim: value}}, "clients": [...]}. Ends when its standard input does.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const listener = createServer();
const lines = createInterface({ input: process.stdin });

lines.once("line", (line) => {
  const settings = JSON.parse(line);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(addressOf(listener), {
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "department"], groups: ["groups"] },
    clients: settings.clients,
    conformIdTokenClaims: false,
    cookies: { keys: ["for tests only"] },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256"] },
    features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
    // The bridge lies on loopback, where its own dispatcher would not go.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, ...settings.people[login] }) }),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig" }] },
    pkce: { required: () => true },
  });
  listener.on("request", provider.callback());
  console.log("ready");
});
lines.once("close", () => process.exit());

listener.listen(0, "localhost", () => console.log(addressOf(listener)));

function addressOf(server) {
  return `http://localhost:${server.address().port}`;
}
