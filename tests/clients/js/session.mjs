// The AWS SDK for JavaScript v3 against a Keystead server: what it parses, printed as one JSON object.
import {
  CreateRoleCommand, CreateUserCommand, DeleteRoleCommand, DeleteRolePolicyCommand, GetUserCommand, IAMClient,
  ListUsersCommand, PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateKeyCommand, DecryptCommand, DescribeKeyCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient,
} from "@aws-sdk/client-kms";
import {
  CreateOrganizationCommand, CreateOrganizationalUnitCommand, DeleteOrganizationCommand,
  DeleteOrganizationalUnitCommand, DescribeOrganizationCommand, ListAccountsCommand, ListRootsCommand,
  OrganizationsClient,
} from "@aws-sdk/client-organizations";
import {
  AssumeRoleCommand, GetCallerIdentityCommand, GetFederationTokenCommand, GetSessionTokenCommand, STSClient,
} from "@aws-sdk/client-sts";

const options = { endpoint: process.env.KEYSTEAD_ENDPOINT, region: process.env.AWS_REGION, maxAttempts: 1 };
const [kms, iam, sts] = [new KMSClient(options), new IAMClient(options), new STSClient(options)];
const organizations = new OrganizationsClient(options);

/** Who a session is, with credentials as STS answers them. */
async function who({ Credentials: { AccessKeyId, SecretAccessKey, SessionToken, Expiration } }) {
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  const session = new STSClient({ ...options, credentials });
  const { Arn } = await session.send(new GetCallerIdentityCommand({}));
  return { arn: Arn, ends: Expiration instanceof Date && Expiration > Date.now() };
}

/** A role, and sessions of every kind that a user may begin. */
async function sessions(account) {
  const RoleName = "javascript";
  const statement = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: account } };
  const allow = { Effect: "Allow", Action: "*", Resource: "*" };
  const document = (...Statement) => JSON.stringify({ Version: "2012-10-17", Statement });
  const { Role: role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(statement) }),
  );
  const policy = { RoleName, PolicyName: "all" };
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: document(allow) }));
  const assumed = await sts.send(new AssumeRoleCommand({ RoleArn: role.Arn, RoleSessionName: "js" }));
  const found = {
    role: await who(assumed),
    own: await who(await sts.send(new GetSessionTokenCommand({}))),
    federated: await who(await sts.send(new GetFederationTokenCommand({ Name: "jim", Policy: document(allow) }))),
  };
  await iam.send(new DeleteRolePolicyCommand(policy));
  await iam.send(new DeleteRoleCommand({ RoleName }));
  return found;
}

/** An organization with a unit, which are gone afterwards. */
async function organize() {
  const none = await refusal(organizations, new DescribeOrganizationCommand({}));
  const { Organization: made } = await organizations.send(new CreateOrganizationCommand({ FeatureSet: "ALL" }));
  const [root] = (await organizations.send(new ListRootsCommand({}))).Roots;
  const unit = new CreateOrganizationalUnitCommand({ ParentId: root.Id, Name: "apps" });
  const { OrganizationalUnit: apps } = await organizations.send(unit);
  const [account] = (await organizations.send(new ListAccountsCommand({}))).Accounts;
  await organizations.send(new DeleteOrganizationalUnitCommand({ OrganizationalUnitId: apps.Id }));
  await organizations.send(new DeleteOrganizationCommand({}));
  return { none, id: made.Id, unit: apps.Arn, account: account.Id, joined: account.JoinedTimestamp instanceof Date };
}

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
  sessions: await sessions(identity.Account),
  organization: await organize(),
  noSuchUser: await refusal(iam, new GetUserCommand({ UserName: "nobody-of-this-name" })),
}));
