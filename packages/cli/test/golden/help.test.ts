// The help of every command, as a stored text: a change of it is seen in a review. `vitest run packages/cli/test/golden -u` stores a new one.
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { expect, it } from "vitest";

import { loadWholeProgram } from "../../src/program.ts";

type Command = Awaited<ReturnType<typeof loadWholeProgram>>;

/** What a command prints where there is no terminal. */
const WIDTH = 80;

/** The help of the command and of those in it. */
function helpOf(command: Command, words: readonly string[]): { readonly words: string; readonly text: string }[] {
	let text = "";
	command.configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => WIDTH });
	command.outputHelp();
	const inside = command.commands.filter((child) => child.name() !== "help");
	return [{ words: words.join(" "), text }, ...inside.flatMap((child) => helpOf(child, [...words, child.name()]))];
}

it("is as it is stored", async () => {
	const all = helpOf(await loadWholeProgram(), ["fanfare"]);
	const text = all.map(({ words, text }) => `$ ${words} --help\n${text.trimEnd()}\n`).join("\n");
	await expect(text).toMatchFileSnapshot("help.txt");
});

it.each([["webhooks", "create"], ["conform"], ["replays"]])("is what the command prints: %s %s", async (...words) => {
	const program = await loadWholeProgram();
	const stored = helpOf(program, []).find((one) => one.words === words.join(" "));
	const { code, stdout, stderr } = await runFanfare([...words, "--help"]);
	expect([code, stdout, stderr]).toEqual([0, stored?.text, ""]);
});
