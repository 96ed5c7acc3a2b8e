// The process of a Node.js function: speaks the same lines of JSON over the channel as
// python_worker.py and reports errors as Lambda's Node.js runtime does: the type is the error's
// name, the trace its stack.
//
// Arguments: the descriptor of the channel, and a file that supplies `@aws-sdk/client-*` where the
// function doesn't bring it, as Lambda does. A handler is `path/file.function` in a .js, .cjs or
// .mjs file: async, or with a callback as third argument.
"use strict";

const fs = require("fs");
const net = require("net");
const path = require("path");
const readline = require("readline");
const util = require("util");
const { pathToFileURL } = require("url");

require(process.argv[3]);

const MARK = "\0tc:end:";
const NEWLINE = "\x1e";
const wire = new net.Socket({ fd: Number(process.argv[2]), readable: true, writable: true });
let requestId = "";
let task = "";
let handler = null;
let given = [];

class Fault extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

// Lambda puts the time, the request and the level before what console prints.
for (const [name, level] of Object.entries({
  log: "INFO", info: "INFO", debug: "DEBUG", trace: "TRACE", warn: "WARN", error: "ERROR",
})) {
  console[name] = (...values) => {
    const text = util.format(...values).replace(/\n/g, NEWLINE);
    process.stdout.write(`${new Date().toISOString()}\t${requestId || "undefined"}\t${level}\t${text}\n`);
  };
}

function answer(message) {
  process.stdout.write(`${MARK}${requestId}\n`);
  wire.write(`${JSON.stringify(message)}\n`);
}

// The lines of a text that are not about this file, with the paths that Lambda has.
function own(text) {
  const lines = String(text).split("\n").filter((line) => !line.includes(__filename));
  return lines.map((line) => line.split(task).join("/var/task").trimEnd());
}

function report(error) {
  const known = error instanceof Error;
  const shown = known ? error : new Error(typeof error === "string" ? error : util.inspect(error));
  const found = {
    errorType: known ? error.name : typeof error,
    errorMessage: own(shown.message).join("\n"),
    trace: own(shown.stack || ""),
  };
  console.error("Invoke Error", JSON.stringify(found));
  return found;
}

async function load(written) {
  const folder = path.dirname(written);
  const [file, ...names] = path.basename(written).split(".");
  if (names.length === 0) throw new Fault("Runtime.MalformedHandlerName", `Bad handler '${written}'`);
  const base = path.join(task, folder, file);
  const found = ["", ".js", ".mjs", ".cjs"].map((end) => base + end)
    .find((name) => fs.existsSync(name) && fs.statSync(name).isFile());
  if (found === undefined) {
    throw new Fault("Runtime.ImportModuleError", `Error: Cannot find module '${path.join(folder, file)}'`);
  }
  const module = await bring(found);
  const place = module[names[0]] === undefined && module.default ? module.default : module;
  const target = names.reduce((owner, name) => (owner === undefined ? owner : owner[name]), place);
  if (target === undefined) {
    throw new Fault("Runtime.HandlerNotFound", `${written} is undefined or not exported`);
  }
  if (typeof target !== "function") {
    throw new Fault("Runtime.HandlerNotFound", `${written} is not a function`);
  }
  return target;
}

async function bring(file) {
  try {
    try {
      return file.endsWith(".mjs") ? await import(pathToFileURL(file).href) : require(file);
    } catch (error) {
      if (!["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE"].includes(error.code)
          && !/Cannot use import statement|Unexpected token 'export'/.test(error.message)) throw error;
      return await import(pathToFileURL(file).href);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault("Runtime.UserCodeSyntaxError", String(error));
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error.code)) {
      throw new Fault("Runtime.ImportModuleError", String(error));
    }
    throw error;
  }
}

function context(call) {
  return {
    awsRequestId: call.request_id,
    invokedFunctionArn: call.arn,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(call.deadline * 1000 - Date.now())),
  };
}

function run(call) {
  return new Promise((resolve, reject) => {
    const done = (error, result) => (error ? reject(error) : resolve(result));
    const given = Object.assign(context(call), { done, succeed: resolve, fail: reject });
    const returned = handler(call.event, given, done);
    if (returned && typeof returned.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3 && returned !== undefined) resolve(returned);
  });
}

async function invoke(call) {
  for (const name of given) delete process.env[name];
  Object.assign(process.env, call.env);
  given = Object.keys(call.env);
  requestId = call.request_id;
  try {
    const result = await run(call);
    answer({ result: result === undefined ? null : result });
  } catch (error) {
    answer({ error: report(error) });
  }
}

async function begin(start) {
  task = start.task;
  try {
    handler = await load(start.handler);
    answer({ result: null });
  } catch (error) {
    answer({ error: { ...report(error), init: true } });
  }
}

// After these Lambda replaces the environment too: `init` asks for that.
process.on("uncaughtException", (error) => answer({ error: { ...report(error), init: true } }));
process.on("unhandledRejection", (error) => {
  const wrapped = new Fault("Runtime.UnhandledPromiseRejection", String(error));
  answer({ error: { ...report(wrapped), init: true } });
});

readline.createInterface({ input: wire, crlfDelay: Infinity })
  .on("line", (line) => {
    const message = JSON.parse(line);
    if (task === "") begin(message);
    else invoke(message);
  })
  .on("close", () => process.exit(0));
