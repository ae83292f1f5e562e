// docs/command.md: the reference of the command, from the commands themselves.
import { GROUPS } from "../packages/cli/src/entries.ts";
import { COMMON_GROUP, examplesOf, pathOf } from "../packages/cli/src/frame/command.ts";
import { loadWholeProgram } from "../packages/cli/src/program.ts";

type Command = Awaited<ReturnType<typeof loadWholeProgram>>;
type Option = Command["options"][number];

const HEAD = `# The command

<!-- Written by \`npm run generate\` from packages/cli/src. -->

\`fanfare\` does everything from a terminal: it runs a server, and works with one.

\`\`\`sh
fanfare login https://fanfare.example.com     # asks for a key, and keeps it in a profile
fanfare webhooks create https://example.com/hooks --name billing
fanfare webhooks test billing
fanfare events send order.paid --data '{"orderId": 42}'
fanfare deliveries list --status Failed --after 24h
fanfare deliveries retry --webhook billing --status Failed
\`\`\`

![A session in a terminal: an event is sent, one of its deliveries fails, its cause is told, and it is retried](images/session.svg)

## How all commands behave

- **Output.** Data goes to standard output, everything else to standard error. On a terminal, tables fit its width and times are relative;
  elsewhere nothing is cut. \`--json\` prints the object as the SDK returns it; a list is one object a line, with times in milliseconds since
  the epoch. \`--quiet\` prints only ids. \`NO_COLOR\` turns colours off.
- **Lists** show 50 rows, and say so if there are more: \`--limit <count>\`, \`--all\`.
- **Questions.** On a terminal, missing arguments are asked for, and what can't be undone or concerns many needs a yes. Elsewhere, and with
  \`--json\`, nothing is asked: what is missing is exit code 2, and a change that needs a yes needs \`--yes\`.
- **Errors** go to standard error with the id of the request, which is in the server's log, and end with the next command to type. With
  \`--json\` they are one object: \`{"error": {"message", "code", "status", "requestId", "issues", "exitCode", "next"}}\`.
- **Times** are typed as a duration before now (\`90s\`, \`15m\`, \`24h\`, \`7d\`), as \`2026-01-31\` or \`2026-01-31T12:00:00Z\`, or in milliseconds
  since the epoch. Durations are typed as \`500ms\`, \`30s\`, \`15m\`, \`24h\` or \`7d\`.
- **A project as a file**: [apply.md](apply.md) describes the file of \`fanfare apply\`.
- **JSON** is typed as such, as \`@file\`, or as \`@-\` for standard input. Numbers keep all their digits.

| exit code | meaning                                                            |
| --------- | ------------------------------------------------------------------ |
| 0         | done                                                               |
| 1         | failed, such as a conflict, or a test that the endpoint did not pass |
| 2         | the command line is wrong or incomplete, or the server refuses a value |
| 3         | not found                                                          |
| 4         | not logged in, or the key does not allow it                        |
| 5         | the server is not reachable, overloaded or has failed              |
| 130       | cancelled by you                                                   |

Commands that operate a server, \`status\` excepted, exit with 2 for an option or argument that is missing or unknown, and with 1 for every
other failure, a setting that is not valid included.

## Profiles and keys

A profile is a server with a key, kept by \`fanfare login\` in the folder for configuration of your platform
(\`~/.config/fanfare/profiles.json\` on Linux), in a file that only you can read. A file that others can read is refused. The key is never
an argument: it is asked for, read from standard input (\`--key-stdin\`), or from the environment.

| variable             | meaning                                                                               |
| -------------------- | ------------------------------------------------------------------------------------- |
| \`FANFARE_PROFILE\`    | the profile, unless \`--profile\` names one. Default: the one that \`fanfare use\` chose |
| \`FANFARE_KEY\`        | a key, for scripts; no profile is used then, unless \`--profile\` names one            |
| \`FANFARE_URL\`        | the address of the server for that key. Default: \`http://127.0.0.1:8787\`             |
| \`FANFARE_PROJECT\`    | the project, by id or name, unless \`--project\` names one                             |
| \`FANFARE_CONFIG_DIR\` | the folder for the profiles, instead of that of the platform                          |
| \`FANFARE_TIMEOUT\`    | how long the server may be silent, from \`100ms\` to \`1h\`. Default: \`30s\`             |
| \`FANFARE_COMPLETION_TIMEOUT\` | the same for names in the completion of a shell. Default: \`1500ms\` |

The key of a profile is never sent to another address than the profile's. A profile made with \`--production\` asks before every change; its
color (\`--color\`) shows in the question.
`;

const COMMON = `## Options of every command

These are options of all commands except those that operate a server.

| option | meaning |
| --- | --- |
`;

/** Renders the reference. */
export async function renderCommandDoc(): Promise<string> {
	const program = await loadWholeProgram();
	const commands = program.commands.filter((command) => command.name() !== "help");
	const common = commands
		.flatMap((command) => [command, ...command.commands])
		.flatMap(({ options }) => options)
		.filter((option) => option.helpGroupHeading === COMMON_GROUP);
	const unique = [...new Map(common.map((option) => [option.long, option])).values()];
	const parts = [HEAD, COMMON + rowsOf(unique)];
	for (const heading of Object.values(GROUPS)) {
		parts.push(`## ${heading.replace(/:$/, "")}`);
		for (const command of commands.filter((command) => command.helpGroup() === heading))
			parts.push(...sections(command));
	}
	return `${parts.map((part) => part.trim()).join("\n\n")}\n`;
}

function sections(command: Command): string[] {
	if (command.commands.length === 0) return [section(command, "###")];
	const head = `### ${pathOf(command)}\n\n${escaped(command.description())}`;
	return [head, ...command.commands.map((child) => section(child, "####"))];
}

function section(command: Command, level: string): string {
	const args = command.registeredArguments.map((argument) =>
		argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
	);
	const parts = [
		`${level} ${[pathOf(command), ...args].join(" ")}`.replaceAll("<", "\\<"),
		escaped(command.description()),
	];
	const described = command.registeredArguments.filter(({ description }) => description !== "");
	if (described.length > 0) {
		parts.push(
			`| argument | meaning |\n| --- | --- |\n${described.map(({ description, ...rest }) => `| \`${nameOf(rest)}\` | ${escaped(description)} |`).join("\n")}`,
		);
	}
	const own = command.options.filter((option) => option.helpGroupHeading !== COMMON_GROUP && !option.hidden);
	if (command.name() === "serve") parts.push("[configuration.md](configuration.md) has all settings.");
	else if (own.length > 0) parts.push(`| option | meaning |\n| --- | --- |\n${rowsOf(own)}`);
	const examples = examplesOf(command);
	if (examples.length > 0) parts.push(`\`\`\`sh\n${examples.join("\n")}\n\`\`\``);
	return parts.join("\n\n");
}

function nameOf(argument: object): string {
	return (argument as { readonly _name: string })._name;
}

function rowsOf(options: readonly Option[]): string {
	return options.map((option) => `| \`${option.flags.replaceAll("|", "\\|")}\` | ${textOf(option)} |`).join("\n");
}

function textOf({ description, argChoices }: Option): string {
	const choices = argChoices === undefined ? "" : ` One of ${argChoices.map((value) => `\`${value}\``).join(", ")}.`;
	return escaped(description) + choices;
}

/** Text for a cell or a line of Markdown; what is in backticks stays as it is. */
function escaped(text: string): string {
	return text
		.split(/(`[^`]*`)/)
		.map((part) => (part.startsWith("`") ? part.replaceAll("|", "\\|") : part.replaceAll(/([<|*_[\]])/g, "\\$1")))
		.join("");
}
