// Ask Sigstore's own code whether each inclusion proof holds: cases in, one of 0 and 1 a line out.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , modules, file] = process.argv;
const require = createRequire(join(modules, "x.js"));
const { verifyMerkleInclusion } = require(
  join(modules, "node_modules/@sigstore/verify/dist/tlog/merkle.js"),
);
const bytes = (text) => Buffer.from(text, "base64");
for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
  const said = JSON.parse(line);
  let holds = 0;
  try {
    verifyMerkleInclusion(
      {
        canonicalizedBody: bytes(said.entry),
        inclusionProof: { logIndex: String(said.index), hashes: said.path.map(bytes) },
      },
      { logSize: BigInt(said.size), logHash: bytes(said.root) },
    );
    holds = 1;
  } catch (error) {
    if (error.code !== "TLOG_INCLUSION_PROOF_ERROR") throw error;
  }
  console.log(holds);
}
