// The help of every command, as a stored text: a change of it is seen in a review. `vitest run packages/cli/test/golden -u` stores a new one.
import { expect, it } from "vitest";

import { loadWholeProgram } from "../../src/program.ts";
import { runInProcess } from "../support/in-process.ts";

type Command = Awaited<ReturnType<typeof loadWholeProgram>>;

/** What a command prints where there is no terminal. */
const WIDTH = 80;

/** The help of the command and of those in it. */
function helpOf(
	command: Command,
	words: readonly string[],
	width = WIDTH,
): { readonly words: string; readonly text: string }[] {
	let text = "";
	command.configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => width });
	command.outputHelp();
	const inside = command.commands.filter((child) => child.name() !== "help");
	return [
		{ words: words.join(" "), text },
		...inside.flatMap((child) => helpOf(child, [...words, child.name()], width)),
	];
}

it("is as it is stored", async () => {
	const all = helpOf(await loadWholeProgram(), ["fanfare"]);
	const text = all.map(({ words, text }) => `$ ${words} --help\n${text.trimEnd()}\n`).join("\n");
	await expect(text).toMatchFileSnapshot("help.txt");
});

it.each([60, 80, 120])("has lists of options and commands that are never wider than %i columns", async (width) => {
	const all = helpOf(await loadWholeProgram(), ["fanfare"], width);
	const tooWide = all.flatMap(({ words, text }) => {
		const [lists = ""] = text.split("\nExamples:\n");
		// A word alone can't be broken: people copy it.
		const isTooWide = (line: string) => /^ {2}.*\S \S/.test(line) && line.length > width;
		return lists
			.split("\n")
			.filter((line) => isTooWide(line))
			.map((line) => `${words}: ${line}`);
	});
	expect(tooWide).toEqual([]);
});

it.each([["webhooks", "create"], ["conform"], ["replays"]])("is what the command prints: %s %s", async (...words) => {
	const program = await loadWholeProgram();
	const stored = helpOf(program, []).find((one) => one.words === words.join(" "));
	const { code, stdout, stderr } = await runInProcess([...words, "--help"]);
	expect([code, stdout, stderr]).toEqual([0, stored?.text, ""]);
});
