// A token in a file, as the AWS SDK for JavaScript v3 finds it by itself: who it becomes, as one JSON object.
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const options = { region: process.env.AWS_REGION, maxAttempts: 1 };
const { Arn } = await new STSClient(options).send(new GetCallerIdentityCommand({}));
let refused = "";
try {
  await new KMSClient(options).send(new DescribeKeyCommand({ KeyId: "alias/none" }));
} catch (error) {
  refused = error.name;
}
console.log(JSON.stringify({ arn: Arn, refused }));
