// Shows the word that came where one of some words was expected, for the error that refuses it.
import { nearestWord } from "../../../core/words/nearest-word.ts";
import { hasSecret } from "../../../core/words/secret-words.ts";
import { kindOf } from "./expected-form.ts";

/** What is longer is no word that somebody mistyped, and may be anything. */
const SHOWN_LENGTH = 64;
const HINT_DISTANCE = 2;

/**
 * The word, with the known one that is most like it. Only its kind is said of anything else than a short text, and of what may be a key or
 * a secret.
 *
 * @example
 * givenWord("Faild", ["Failed", "Held"]); // "Faild" (did you mean "Failed"?)
 */
export function givenWord(value: unknown, known: readonly unknown[]): string {
	if (typeof value === "number" || typeof value === "boolean") return String(value);
	if (typeof value !== "string" || value.length > SHOWN_LENGTH || hasSecret(value)) return kindOf(value);
	const words = known.filter((word) => typeof word === "string");
	// Of two letters, any other two are two edits away.
	const nearest = nearestWord(value, words, Math.min(HINT_DISTANCE, Math.floor(value.length / 2)));
	return `${JSON.stringify(value)}${nearest === null ? "" : ` (did you mean ${JSON.stringify(nearest)}?)`}`;
}
