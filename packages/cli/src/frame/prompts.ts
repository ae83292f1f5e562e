// Questions on the terminal. The library is loaded with the first question, so that commands without one start faster.
import { interrupted } from "./failure.ts";

/** A choice to pick from. */
export interface Choice<T> {
	readonly value: T;
	readonly label: string;
	readonly hint?: string;
}

const SHORT_LIST = 8;

/** Questions go to standard error: standard output is for data. */
const outputs = { output: process.stderr, input: process.stdin };

/** Asks for a line of text. */
export async function askText(
	message: string,
	{ initial, check }: { readonly initial?: string; readonly check?: (text: string) => void } = {},
): Promise<string> {
	const { text } = await import("@clack/prompts");
	const validate = (value: string | undefined) => problemWith(value ?? "", check);
	const options = { message, validate, ...outputs, ...(initial !== undefined && { initialValue: initial }) };
	return answered(await text(options));
}

/** Asks for a secret, which is not shown. */
export async function askSecret(message: string): Promise<string> {
	const { password } = await import("@clack/prompts");
	return answered(await password({ message, validate: (value) => problemWith(value ?? ""), ...outputs }));
}

/** Asks for one of several choices; many can be narrowed by typing. */
export async function askChoice<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T> {
	const { autocomplete, select } = await import("@clack/prompts");
	const options = [...choices] as { value: string; label: string; hint?: string }[];
	const pick = choices.length > SHORT_LIST ? autocomplete<string> : select<string>;
	return answered(await pick({ message, options, maxItems: SHORT_LIST, ...outputs })) as T;
}

/** Asks whether to go on. No is the answer of Enter alone. */
export async function askYes(message: string): Promise<boolean> {
	const { confirm } = await import("@clack/prompts");
	return answered(await confirm({ message, initialValue: false, ...outputs }));
}

function problemWith(value: string, check: (text: string) => void = () => {}): string | undefined {
	if (value.trim() === "") return "This is needed.";
	try {
		check(value);
		return undefined;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

/** The answer; Ctrl-C and Escape give a symbol. */
function answered<T>(answer: T): Exclude<T, symbol> {
	if (typeof answer === "symbol") throw interrupted();
	return answer as Exclude<T, symbol>;
}
