// A real OAuth 2 authorization server (npm: oidc-provider) at Casdoor's two addresses:
//
//   GET  /login/oauth/authorize            where browsers are sent
//   POST /api/login/oauth/access_token     form: grant_type, code, client_id, client_secret
//
//   node dev/backends/casdoor_peer.mjs CALLBACK_URL [SECONDS]
//
// It chooses a free port of 127.0.0.1, says "listening on PORT", and ends with its standard input. Any name and
// password sign in, on its own development pages; a code is good once, for a minute. SECONDS is the access token's
// life; with 0 it answers as Casdoor does for a token that is no good: status 200 and expires_in 0.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const [callback, seconds = '3600'] = process.argv.slice(2);
const token = '/api/login/oauth/access_token';

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: 'casdoor-client',
        client_secret: 'casdoor-secret',
        redirect_uris: [callback],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    routes: { authorization: '/login/oauth/authorize', token },
    scopes: ['read', 'openid'],
    pkce: { required: () => false },
    // Casdoor does not ask for the redirect_uri again.
    allowOmittingSingleRegisteredRedirectUri: true,
    ttl: {
      AccessToken: () => Math.max(1, Number(seconds)),
      AuthorizationCode: 60,
      Session: 3600,
      Interaction: 600,
      Grant: 3600,
    },
    cookies: { keys: ['for-tests-only'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  if (seconds === '0') {
    provider.use(async (context, next) => {
      await next();
      if (context.path === token && context.body?.access_token) context.body.expires_in = 0;
    });
  }
  server.on('request', provider.callback());
  console.log(`listening on ${port}`);
});

process.stdin.resume().on('end', () => process.exit());
