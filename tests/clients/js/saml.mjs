// A response of a SAML provider, through the AWS SDK for JavaScript v3: who it becomes, as one JSON object.
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { AssumeRoleWithSAMLCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const options = { region: process.env.AWS_REGION, maxAttempts: 1 };
const asked = new AssumeRoleWithSAMLCommand({
  RoleArn: process.env.ROLE, PrincipalArn: process.env.PROVIDER, SAMLAssertion: process.env.RESPONSE,
});
const nobody = new STSClient(options);
const given = await nobody.send(asked);
const credentials = {
  accessKeyId: given.Credentials.AccessKeyId,
  secretAccessKey: given.Credentials.SecretAccessKey,
  sessionToken: given.Credentials.SessionToken,
};

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error.name;
  }
  return "";
}

const { Arn } = await new STSClient({ ...options, credentials }).send(new GetCallerIdentityCommand({}));
const key = new DescribeKeyCommand({ KeyId: "alias/none" });
console.log(JSON.stringify({
  arn: Arn, subject: given.Subject, ends: given.Credentials.Expiration > new Date(),
  refused: await refusal(() => new KMSClient({ ...options, credentials }).send(key)),
  again: await refusal(() => nobody.send(asked)),
}));
