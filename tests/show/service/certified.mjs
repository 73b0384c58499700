// Runs npm's oidc-provider on loopback for test_oidc_certified.py: node certified.mjs FOLDER; prints its port, ends with its standard input.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { Provider } = await import(pathToFileURL(`${process.argv[2]}/node_modules/oidc-provider/lib/index.js`));
const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { port } = server.address();
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "sewu-city",
      client_secret: "s3cr3t of/the:client",
      redirect_uris: ["http://sewu.test/api/v1/auth/oidc/callback"],
      token_endpoint_auth_method: process.argv[3],
      id_token_signed_response_alg: "RS256",
    },
  ],
  claims: { openid: ["sub"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Name of ${id}` }) }),
});
server.on("request", provider.callback());
console.log(port);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
