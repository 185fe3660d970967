// The AWS Encryption SDK for JavaScript against a Keystead server of two Regions: messages that one
// keyring wrote are read by others. Prints what came of it as JSON.
import {
  AwsKmsMrkAwareSymmetricDiscoveryKeyringNode,
  AwsKmsMrkAwareSymmetricKeyringNode,
  buildAwsKmsMrkAwareStrictMultiKeyringNode,
  buildClient,
  CommitmentPolicy,
  KMS,
  KmsKeyringNode,
} from "@aws-crypto/client-node";

const { KEYSTEAD_ENDPOINT: endpoint, KEYSTEAD_HERE, KEYSTEAD_THERE, KEYSTEAD_MESSAGE } = process.env;
const context = { tenant: "a", purpose: "orders" };
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);

const client = (region) => new KMS({ region, endpoint, maxAttempts: 1 });
const [here, there] = [client(KEYSTEAD_HERE), client(KEYSTEAD_THERE)];
const clientProvider = client;

const { KeyMetadata: primary } = await here.createKey({ MultiRegion: true });
const { ReplicaKeyMetadata: replica } = await here.replicateKey({
  KeyId: primary.KeyId, ReplicaRegion: KEYSTEAD_THERE,
});
const filter = { accountIDs: [primary.AWSAccountId], partition: "aws" };

const strict = new KmsKeyringNode({ generatorKeyId: primary.Arn, clientProvider });
const elsewhere = new KmsKeyringNode({ keyIds: [replica.Arn], clientProvider });
const related = new AwsKmsMrkAwareSymmetricKeyringNode({ keyId: replica.Arn, client: there });
const several = buildAwsKmsMrkAwareStrictMultiKeyringNode({
  generatorKeyId: replica.Arn, clientProvider,
});
const discovery = new KmsKeyringNode({ discovery: true, discoveryFilter: filter, clientProvider });
const found = new AwsKmsMrkAwareSymmetricDiscoveryKeyringNode({
  client: there, discoveryFilter: filter,
});

const read = async (keyring, message) => {
  const { plaintext, messageHeader } = await decrypt(keyring, message);
  const kept = Object.entries(context).every(
    ([name, value]) => messageHeader.encryptionContext[name] === value,
  );
  return { text: plaintext.toString(), context: kept };
};
const refusal = async (keyring, message) => {
  try {
    return { allowed: await read(keyring, message) };
  } catch (error) {
    return { message: error.message };
  }
};

const { result: message } = await encrypt(strict, "hello", { encryptionContext: context });
const { result: theirs } = await encrypt(related, "there", { encryptionContext: context });
const answer = {
  strict: await read(strict, message),
  related: await read(related, message),
  several: await read(several, message),
  discovery: await read(discovery, message),
  found: await read(found, message),
  back: await read(new AwsKmsMrkAwareSymmetricKeyringNode({ keyId: primary.Arn, client: here }), theirs),
  unrelated: await refusal(elsewhere, message),
  message: message.toString("base64"),
  primary: primary.Arn,
};
if (KEYSTEAD_MESSAGE) {
  answer.other = await read(found, Buffer.from(KEYSTEAD_MESSAGE, "base64"));
}
await there.disableKey({ KeyId: replica.Arn });
answer.disabled = await refusal(related, message);
console.log(JSON.stringify(answer));
