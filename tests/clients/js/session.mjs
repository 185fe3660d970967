// The AWS SDK for JavaScript v3 against a Keystead server: what it parses, printed as one JSON object.
import { CreateUserCommand, GetUserCommand, IAMClient, ListUsersCommand } from "@aws-sdk/client-iam";
import {
  CreateKeyCommand, DecryptCommand, DescribeKeyCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient,
} from "@aws-sdk/client-kms";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const options = { endpoint: process.env.KEYSTEAD_ENDPOINT, region: process.env.AWS_REGION, maxAttempts: 1 };
const [kms, iam, sts] = [new KMSClient(options), new IAMClient(options), new STSClient(options)];

/** The name, status and message with which a command is refused. */
async function refusal(client, command) {
  try {
    await client.send(command);
    return null;
  } catch (error) {
    return { name: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
}

const identity = await sts.send(new GetCallerIdentityCommand({}));
const key = (await kms.send(new CreateKeyCommand({ Description: "made by the JavaScript SDK" }))).KeyMetadata;
const context = { app: "orders" };
const sealed = await kms.send(
  new EncryptCommand({ KeyId: key.KeyId, Plaintext: new TextEncoder().encode("hello"), EncryptionContext: context }),
);
const opened = await kms.send(
  new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context }),
);
const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId: key.KeyId, KeySpec: "AES_256" }));
const user = (await iam.send(new CreateUserCommand({ UserName: "javascript", Tags: [{ Key: "a", Value: "b" }] }))).User;

console.log(JSON.stringify({
  account: identity.Account,
  keyArn: key.Arn,
  created: key.CreationDate instanceof Date && Math.abs(Date.now() - key.CreationDate) < 60_000,
  plaintext: new TextDecoder().decode(opened.Plaintext),
  dataKeyLength: dataKey.Plaintext.length,
  userArn: user.Arn,
  userCreated: user.CreateDate instanceof Date,
  listed: (await iam.send(new ListUsersCommand({}))).Users.some((each) => each.UserName === "javascript"),
  otherContext: await refusal(kms, new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob })),
  noSuchKey: await refusal(kms, new DescribeKeyCommand({ KeyId: "11111111-2222-3333-4444-555555555555" })),
  noSuchUser: await refusal(iam, new GetUserCommand({ UserName: "nobody-of-this-name" })),
}));
