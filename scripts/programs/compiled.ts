// `npm run compiled`: compiles what the tests need in other languages, Helm and the receivers of the examples. Where a language is missing, its tests are skipped.
import { LANGUAGES, missingProgram } from "../../examples/receivers/languages.ts";
import { findHelm } from "../../test/deploy/go-modules.ts";

const began = performance.now();

// One after the other: each compiler uses all processors.
const helm = await findHelm();
say(helm.path === null ? helm.issue : `Helm for tests: ${helm.path}`);
for (const [name, language] of Object.entries(LANGUAGES)) {
	const missing = missingProgram(language);
	try {
		if (missing === null) await language.prepare();
		say(missing === null ? `the receiver in ${name} for tests is built` : `no receiver in ${name}: ${missing}`);
	} catch (error) {
		say(`no receiver in ${name}: ${error instanceof Error ? error.message : String(error)}`);
	}
}

/** A line with the seconds since the start. */
function say(text: string): void {
	console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${text}`);
}
