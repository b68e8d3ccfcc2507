// What tests/system/test_javascript_sdk.py asks of Lambent: one step after the other, told as one JSON object.
"use strict";

const { readFileSync } = require("node:fs");
const lambda = require("@aws-sdk/client-lambda");

const [role, packageFile] = process.argv.slice(2);
const client = new lambda.LambdaClient({ maxAttempts: 1 });
const name = "javascript";
const seen = {};

async function step(what, command, read = (answer) => answer) {
  try {
    seen[what] = read(await client.send(command));
  } catch (error) {
    seen[what] = { name: error.name, message: error.message, status: error.$metadata?.httpStatusCode };
  }
}

function outcome(answer) {
  const log = answer.LogResult && Buffer.from(answer.LogResult, "base64").toString();
  return { ...answer, payload: JSON.parse(Buffer.from(answer.Payload).toString()), log };
}

function invoke(settings) {
  return new lambda.InvokeCommand({ FunctionName: name, ...settings });
}

async function main() {
  const code = { ZipFile: readFileSync(packageFile) };
  const runtime = `nodejs${process.versions.node.split(".")[0]}.x`; // which this machine has
  const made = { FunctionName: name, Runtime: runtime, Handler: "index.handler", Role: role, Code: code };
  const arn = (await client.send(
    new lambda.CreateFunctionCommand({ ...made, Timeout: 10, Environment: { Variables: { SET: "ü😀" } } }),
  )).FunctionArn;
  await lambda.waitUntilFunctionActiveV2({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { FunctionName: name });

  const context = Buffer.from(JSON.stringify({ custom: { k: "ü" } })).toString("base64");
  await step("invoke", invoke({ Payload: '{"a":"ü"}', LogType: "Tail", ClientContext: context }), outcome);
  await step("fail", invoke({ Payload: '{"fail":true}' }), outcome);
  await step("dry run", invoke({ InvocationType: "DryRun" }));
  await step("event", invoke({ InvocationType: "Event" }));
  await step("stream", new lambda.InvokeWithResponseStreamCommand({ FunctionName: name }));

  await step("unknown", invoke({ FunctionName: "nothing" }));
  await step("mismatch", invoke({ FunctionName: `${arn}:1`, Qualifier: "2" }));
  await step("malformed", invoke({ FunctionName: "a b" }));
  await step("not json", invoke({ Payload: Buffer.from([0x99]) }));
  await step("too large", invoke({ Payload: JSON.stringify("x".repeat(7_000_000)) }));
  await step("again", new lambda.CreateFunctionCommand(made));
  await step("revision", new lambda.UpdateFunctionConfigurationCommand({ FunctionName: name, RevisionId: "none" }));

  await client.send(new lambda.PublishVersionCommand({ FunctionName: name }));
  seen.versions = [];
  for await (const page of lambda.paginateListVersionsByFunction({ client, pageSize: 1 }, { FunctionName: name })) {
    seen.versions.push(...page.Versions.map((version) => version.Version));
  }
  await client.send(new lambda.TagResourceCommand({ Resource: arn, Tags: { "ü é": "x/y+z", gone: "" } }));
  await client.send(new lambda.UntagResourceCommand({ Resource: arn, TagKeys: ["gone"] }));
  await step("tags", new lambda.ListTagsCommand({ Resource: arn }), (answer) => answer.Tags);
  await step("delete", new lambda.DeleteFunctionCommand({ FunctionName: name }));
  console.log(JSON.stringify(seen));
}

main();
