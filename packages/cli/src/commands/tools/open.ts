// `fanfare open`: the page of the server, at the address of a resource.
import { spawn } from "node:child_process";
import { once } from "node:events";

import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { webhookIdOf } from "../../frame/named.ts";

interface Options extends CommonOptions {
	readonly print?: boolean;
}

/** The screens that have no id in their address. */
const SCREENS = [
	"webhooks",
	"deliveries",
	"events",
	"event-types",
	"customers",
	"replays",
	"keys",
	"audit",
	"inbox",
	"settings",
	"system",
];
/** The screens of ids, by what the ids begin with. */
const BY_PREFIX: Readonly<Record<string, string>> = {
	evt: "events",
	dlv: "deliveries",
	webhook: "webhooks",
	replay: "replays",
};

/** Adds the command to the program. */
export function addOpen(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "open [what]",
			summary: "Open the page of the server, at a resource or a screen.",
			description: "Prints the address instead where there is no terminal, no browser, or with --print.",
			args: {
				what: `An id of an event, delivery, webhook or replay, the key or name of a webhook, or a screen: ${SCREENS.join(", ")}.`,
			},
			options: [option("--print", "Print the address, and open nothing.")],
			examples: ["fanfare open", "fanfare open dlv_…", "fanfare open billing"],
		},
		open,
	);
}

async function open(call: Call<Options>, what: string | undefined): Promise<void> {
	const project = await call.project();
	const path = await pathOf(call, what);
	const url = `${call.connection.url}/ui/${project.id}${path}`;
	if (call.output.mode !== "people") return call.output.object({ url }, url, () => []);
	const isOpened = process.stdout.isTTY && call.options.print !== true && (await openInBrowser(url));
	if (isOpened) call.output.done(`Opened ${url}`);
	else await call.output.data(url);
}

async function pathOf(call: Call<Options>, what: string | undefined): Promise<string> {
	if (what === undefined) return "";
	if (SCREENS.includes(what)) return `/${what}`;
	const screen = BY_PREFIX[/^([a-z]+)_[0-9a-f-]{30,}$/.exec(what)?.[1] ?? ""];
	if (screen !== undefined) return `/${screen}/${encodeURIComponent(what)}`;
	return `/webhooks/${encodeURIComponent(await webhookIdOf(call, await call.project(), what))}`;
}

/** Opens an address in the browser of the person. False if there is none. */
export async function openInBrowser(url: string): Promise<boolean> {
	const command = browserCommand();
	if (command === null) return false;
	const [program, ...args] = command;
	const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
	child.unref();
	return once(child, "spawn").then(
		() => true,
		() => false,
	);
}

/** The program that opens addresses; null where there is no screen. `BROWSER` names another. */
function browserCommand(): readonly [string, ...string[]] | null {
	const own = process.env["BROWSER"];
	if (own !== undefined && own !== "") return [own];
	if (process.platform === "darwin") return ["open"];
	// Not `start` of the shell, to which an ampersand in an address would be the end of the command.
	if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
	const hasScreen = [process.env["DISPLAY"], process.env["WAYLAND_DISPLAY"]].some(
		(screen) => screen !== undefined && screen !== "",
	);
	return hasScreen ? ["xdg-open"] : null;
}
