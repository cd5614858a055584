// Prints the access key that a provider of the AWS SDK for JavaScript finds in this environment.
import * as providers from "@aws-sdk/credential-providers";

const [kind, profile] = process.argv.slice(2);
const found = await providers[kind](profile ? { profile } : {})();
console.log(JSON.stringify({ accessKeyId: found.accessKeyId, expiration: found.expiration }));
