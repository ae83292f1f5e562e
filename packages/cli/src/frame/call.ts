// One run of a command: its options, its outputs, the server it talks to, and the questions it may ask. It brings the SDK: see `leaf`.
import { Client, type ProjectHandle } from "@fanfare/sdk";

import { onStderr } from "../text/style.ts";
import { findConnection, findProject, type Connection, type ConnectionFlags } from "./connection.ts";
import { interrupted, missing, usageError, type CommandError } from "./failure.ts";
import { Output } from "./output.ts";
import { patient, timeoutOf } from "./patience.ts";
import { askChoice, askText, askYes, type Choice } from "./prompts.ts";

/** The options that every command has. */
export interface CommonOptions extends ConnectionFlags {
	readonly json?: boolean;
	readonly quiet?: boolean;
	readonly yes?: boolean;
}

/** How many choices are fetched to pick from. */
const MAX_CHOICES = 200;

/** What a command needs while it runs. */
export class Call<O extends CommonOptions = CommonOptions> {
	readonly options: O;
	readonly output: Output;
	/** Whether questions can be asked: on a terminal, and never with --json. */
	readonly isInteractive: boolean;
	#connection: Connection | null = null;
	#client: Client | null = null;
	#project: ProjectHandle | null = null;

	constructor(options: O) {
		this.options = options;
		this.output = new Output(options.json === true ? "json" : options.quiet === true ? "quiet" : "people");
		this.isInteractive = options.json !== true && process.stdin.isTTY && process.stderr.isTTY;
	}

	/** The server and the key. */
	get connection(): Connection {
		this.#connection ??= findConnection(this.options);
		return this.#connection;
	}

	/** A client for them. */
	get client(): Client {
		this.#client ??= this.clientOf(this.connection);
		return this.#client;
	}

	/** A client for another connection. People are told if it waits for the server. */
	clientOf({ url, key }: Pick<Connection, "url" | "key">): Client {
		return new Client(
			key,
			patient(url, timeoutOf(), (line) => this.output.note(line)),
		);
	}

	/** The project to work in. On a terminal, it may be asked for. */
	async project(): Promise<ProjectHandle> {
		this.#project ??= await findProject(this.client, this.connection.project);
		if (this.#project === null) {
			const projects = await this.client.listProjects();
			if (!this.isInteractive) throw this.#unnamedProject(projects.length);
			const choices = projects.map(({ id, name }) => ({ value: id, label: name, hint: id }));
			const id = await this.pick("project", "--project", choices, "fanfare projects list");
			this.#project = this.client.project(id);
		}
		return this.#project;
	}

	/** Which project is meant is not known, and nobody can be asked. A profile can keep one; a key from the environment has none. */
	#unnamedProject(count: number): CommandError {
		if (count === 0) return usageError("There is no project yet.", "fanfare projects create");
		const next = this.connection.profile === null ? "fanfare projects list" : "fanfare use --project <id or name>";
		return usageError(`The option --project is missing: the key is for ${count} projects.`, next);
	}

	/** The value, or the answer of the user. Where nobody can be asked, the value is required. */
	async need(
		name: string,
		value: string | undefined,
		question: string,
		check?: (text: string) => void,
	): Promise<string> {
		if (value !== undefined) return value;
		if (!this.isInteractive) throw missing(name, null);
		return askText(question, check === undefined ? {} : { check });
	}

	/** Lets the user pick one of the choices. Where nobody can be asked, it is required. */
	async pick<T extends string>(
		noun: string,
		name: string,
		choices: Iterable<Choice<T>> | AsyncIterable<Choice<T>>,
		next: string,
	): Promise<T> {
		if (!this.isInteractive) throw missing(name, next);
		const known: Choice<T>[] = [];
		for await (const choice of choices) {
			if (known.push(choice) === MAX_CHOICES) break;
		}
		if (known.length === 0) throw usageError(`There is no ${noun} to choose.`, next.replace(/ list$/, " --help"));
		return askChoice(`Which ${noun}?`, known);
	}

	/**
	 * Asks before something is done that can't be undone, or that concerns many. Where nobody can be asked, --yes is required. Returns whether
	 * somebody was asked, who may have taken long to answer.
	 */
	async confirm(question: string): Promise<boolean> {
		if (this.options.yes === true) return false;
		if (!this.isInteractive) {
			throw usageError(`This needs a confirmation. ${question} Pass --yes to confirm it.`);
		}
		if (!(await askYes(`${this.#productionMark()}${question}`))) throw interrupted();
		return true;
	}

	/** Asks before a change if the profile is for production. */
	async confirmProduction(command: string): Promise<void> {
		const { profile, url } = this.connection;
		if (profile?.isProduction !== true) return;
		await this.confirm(`\`${command}\` changes the production server ${url} (profile ${profile.name}). Go on?`);
	}

	#productionMark(): string {
		const { profile } = this.connection;
		if (profile === null || (!profile.isProduction && profile.color === null)) return "";
		return `${onStderr(profile.color ?? "red", `● ${profile.name}`)} `;
	}
}
