// server.json against the registry's schema. Arguments: server.json, the schema.
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const [document, schema] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const ajv = new Ajv({ allErrors: true, strict: false });
addFormats(ajv);
const validate = ajv.compile(schema);
if (!validate(document)) {
    console.error(ajv.errorsText(validate.errors, { separator: "\n" }));
    process.exit(1);
}
if (document.$schema !== schema.$id) {
    console.error(`server.json names ${document.$schema}, the file is ${schema.$id}`);
    process.exit(1);
}
console.log(`figure: server.json fits ${schema.$id}`);
