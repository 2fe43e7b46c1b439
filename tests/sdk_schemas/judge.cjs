// Holds requests against the request schemas of Chargebee's own client.
//
// usage: node judge.cjs FOLDER < requests
// FOLDER holds node_modules/chargebee. Each line of the input is {method, path, query, body}, as a sandbox recorded
// it; for each that is not as the client itself would send it, a line {line, operation, problems} is written.
//
// The client checks objects before it makes forms of them, so a form is turned back into the object it came from:
// texts become numbers, booleans or JSON where the schema has those. An empty text stays one: the client's own
// validation takes it for a string alone. What a schema does not name is a problem too, except custom fields.
//
// Two slips of the schemas are made up for: an object that names nothing at all (the billing address of a new
// customer) says nothing about names, and the filters "in" and "not_in" of an enum take a list, whose members are
// judged one by one.
"use strict";
const path = require("node:path");
const readline = require("node:readline");

const client = path.join(path.resolve(process.argv[2]), "node_modules", "chargebee", "cjs");
const { Endpoints } = require(path.join(client, "resources", "api_endpoints.js"));
const { getSchema } = require(path.join(client, "validationLoader.js"));

const operations = Object.entries(Endpoints).flatMap(([resource, rows]) =>
  rows.map(([action, method, prefix, suffix, hasId]) => ({
    resource,
    action,
    method,
    pattern: new RegExp(`^${prefix}${hasId ? "/[^/]+" : ""}${suffix ?? ""}$`),
    hasId,
  })),
);

function operationOf(method, requestPath) {
  const found = operations.filter((one) => one.method === method && one.pattern.test(requestPath));
  return found.find((one) => !one.hasId) ?? found[0];
}

function bare(schema) {
  while (["optional", "default", "nullable"].includes(schema?.def?.type)) schema = schema.def.innerType;
  return schema;
}

function typed(schema, text, step) {
  const type = bare(schema)?.def?.type;
  if (type === "enum" && (step === "in" || step === "not_in") && /^\[.*\]$/.test(text)) {
    const members = JSON.parse(text);
    return members.find((member) => !schema.safeParse(member).success) ?? members[0];
  }
  if (type === "number" && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if ((type === "object" && text.startsWith("{")) || (type === "array" && text.startsWith("["))) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

function place(target, schema, steps, text, name, problems) {
  schema = bare(schema);
  const [step, ...rest] = steps;
  let inner;
  if (schema?.def?.type === "object") {
    const names = Object.keys(schema.def.shape);
    inner = schema.def.shape[step];
    const isCustom = target.isWhole && step.startsWith("cf_");
    if (names.length && !names.includes(step) && !isCustom) problems.push(`${name} is no parameter`);
  } else if (schema?.def?.type === "array") {
    inner = schema.def.element;
  }
  if (rest.length === 0) {
    target.value[step] = typed(inner, text, step);
    return;
  }
  target.value[step] ??= bare(inner)?.def?.type === "array" ? [] : {};
  place({ value: target.value[step] }, inner, rest, text, name, problems);
}

async function judge({ method, path: requestPath, query, body }) {
  const operation = operationOf(method, requestPath);
  if (!operation) return { operation: `${method} ${requestPath}`, problems: ["the client has no such operation"] };
  const schema = await getSchema(operation.resource, operation.action);
  const fields = [...new URLSearchParams(method === "GET" ? query : body)];
  const problems = [];
  const whole = { value: {}, isWhole: true };
  for (const [name, text] of fields) {
    if (schema) place(whole, schema, name.replaceAll("]", "").split("["), text, name, problems);
    else problems.push(`${name} is no parameter`);
  }
  if (schema) {
    const result = schema.safeParse(whole.value);
    for (const issue of result.success ? [] : result.error.issues)
      problems.push(`${issue.path.join(".")}: ${issue.message}`);
  }
  return { operation: `${operation.resource}.${operation.action}`, problems };
}

async function main() {
  let line = 0;
  for await (const text of readline.createInterface({ input: process.stdin })) {
    line += 1;
    const verdict = await judge(JSON.parse(text));
    if (verdict.problems.length) console.log(JSON.stringify({ line, ...verdict }));
  }
}

main();
