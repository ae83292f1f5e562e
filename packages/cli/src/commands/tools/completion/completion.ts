// `fanfare completion`: prints the script with which a shell completes commands.
import type { Command } from "commander";

import { leaf } from "../../../frame/command.ts";
import { usageError } from "../../../frame/failure.ts";
import { printableJson } from "../../../text/printable.ts";
import { INSTALLATION, SCRIPTS, SHELLS, type Shell } from "./scripts.ts";

/** Adds the command to the program. */
export function addCompletion(program: Command): void {
	leaf(
		program,
		{
			usage: "completion [shell]",
			summary: "Print the script with which a shell completes commands.",
			description:
				"Commands, options and their values are completed, and webhooks, projects, event types and profiles by their names.",
			args: { shell: `${SHELLS.join(", ")}. Default: that of SHELL.` },
			inProject: false,
			examples: SHELLS.map((shell) => `fanfare completion ${shell}`),
		},
		async (call, given) => {
			const name = given ?? process.env["SHELL"]?.split("/").at(-1) ?? "";
			if (!isShell(name))
				throw usageError(
					`<shell> must be one of ${SHELLS.join(", ")}; got ${JSON.stringify(name)}.`,
					"fanfare completion bash",
				);
			if (call.output.mode === "json")
				return call.output.data(
					printableJson({ shell: name, script: SCRIPTS[name], installation: INSTALLATION[name] }),
				);
			await call.output.raw(SCRIPTS[name]);
			// Not where the script is read at once, as in the start of a shell.
			if (process.stdout.isTTY) call.output.note(`\n${INSTALLATION[name]}`);
		},
	);
}

function isShell(name: string): name is Shell {
	return (SHELLS as readonly string[]).includes(name);
}
