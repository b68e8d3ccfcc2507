// Answers with a greeting; what it logs is in the log group /aws/lambda/<function name>.
export const handler = async (event, context) => {
  console.log("greeting", event.name ?? "nobody in particular");
  return { greeting: `Hello, ${event.name ?? "world"}!`, node: process.version, requestId: context.awsRequestId };
};
