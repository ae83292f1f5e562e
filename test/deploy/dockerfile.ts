// Plays a Dockerfile without a container engine, as root on Linux: each stage is a folder to which a RUN changes its root, with this machine's
// system and this Node in the place of the base image.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, posix } from "node:path";
import { promisify } from "node:util";

import { DockerfileParser, type Copy, type Env } from "dockerfile-ast";

const run = promisify(execFile);

/** What of this machine stands for the base image; everything else of a stage is its own. */
const SYSTEM = ["usr", "bin", "sbin", "lib", "lib64", "etc"];

/** Why this machine can't play a Dockerfile; null if it can. */
export async function playIssue(): Promise<string | null> {
	try {
		await run("unshare", ["--mount", "--propagation", "private", "chroot", "/", "true"]);
		return null;
	} catch (error) {
		return `a Dockerfile can only be played as root on Linux: ${error instanceof Error ? error.message : String(error)}`;
	}
}

/** What the last stage of a Dockerfile has come to. */
export class PlayedImage {
	readonly root: string;
	readonly env: Record<string, string> = {};
	workdir = "/";
	user = "0:0";
	volumes: readonly string[] = [];
	entrypoint: readonly string[] = [];
	cmd: readonly string[] = [];
	healthCheck: readonly string[] = [];

	constructor(root: string) {
		this.root = root;
		for (const name of [...SYSTEM, "proc", "dev", "tmp", "root/.npm", "node"])
			mkdirSync(join(root, name), { recursive: true });
		copyFileSync(process.execPath, join(root, "node/node"));
		const settings = join(homedir(), ".npmrc");
		if (existsSync(settings)) copyFileSync(settings, join(root, "root/.npmrc"));
	}

	/** Starts a program in the image, as a container would. With `isReadOnly`, only the volumes can be written. */
	start(command: readonly string[], { isReadOnly = false, user = this.user, env = {} } = {}): ChildProcess {
		const bind = (from: string, to: string, mode: string) =>
			`mount --bind '${from}' '${to}' && mount -o remount,bind,${mode} '${to}'`;
		const inside = (path: string) => join(this.root, path);
		const system = SYSTEM.filter((name) => existsSync(`/${name}`)).map((name) =>
			bind(realpathSync(`/${name}`), inside(name), "ro"),
		);
		const cache = join(homedir(), ".npm");
		const mounts = [
			...(isReadOnly ? [bind(this.root, this.root, "ro")] : []),
			...system,
			`mount --rbind /dev '${inside("dev")}'`,
			`mount -t proc proc '${inside("proc")}'`,
			...(existsSync(cache) && !isReadOnly ? [bind(cache, inside("root/.npm"), "rw")] : []),
			...(isReadOnly ? this.volumes.map((path) => bind(inside(path), inside(path), "rw")) : []),
		];
		const script = `${mounts.join(" && ")} && exec chroot --userspec=${user} --groups= '${this.root}' /node/node -e 'process.chdir(process.argv[1]); process.execve(process.argv[2], process.argv.slice(2))' "$@"`;
		const path = "/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
		const program = command[0] === "node" ? ["/node/node", ...command.slice(1)] : command;
		return spawn(
			"unshare",
			["--mount", "--propagation", "private", "sh", "-c", script, "sh", this.workdir, ...program],
			{
				env: { ...certificates(), HOME: "/root", PATH: path, ...this.env, ...env },
				stdio: ["ignore", "pipe", "pipe"],
			},
		);
	}

	/** Runs a program in the image to its end. Returns its exit code and what it printed. */
	async run(
		command: readonly string[],
		options: Parameters<PlayedImage["start"]>[1] = {},
	): Promise<{ code: number | null; output: string }> {
		const child = this.start(command, options);
		let output = "";
		for (const stream of [child.stdout!, child.stderr!])
			stream.setEncoding("utf8").on("data", (text: string) => (output += text));
		const code = await new Promise<number | null>((resolve, reject) => {
			child.once("error", reject);
			child.once("close", resolve);
		});
		return { code, output };
	}
}

/** Plays a Dockerfile, with the files of the build context in `context`. Rejects if a step fails. */
export async function playDockerfile(text: string, context: string, work: string): Promise<PlayedImage> {
	const stages = new Map<string, PlayedImage>();
	let stage: PlayedImage | null = null;
	for (const instruction of DockerfileParser.parse(text).getInstructions()) {
		const keyword = instruction.getKeyword();
		const words = instruction.getArguments().map((argument) => argument.getValue());
		if (keyword === "FROM") {
			const name = words[1]?.toUpperCase() === "AS" ? words[2]! : "last";
			stage = new PlayedImage(join(work, name));
			stages.set(name, stage);
			continue;
		}
		if (stage === null) throw new Error(`${keyword} comes before FROM`);
		// What follows the options of a HEALTHCHECK, or all of it.
		const list = () => {
			const content = instruction.getRawArgumentsContent() ?? "";
			return JSON.parse(content.slice(content.indexOf("["))) as string[];
		};
		switch (keyword) {
			case "WORKDIR":
				stage.workdir = posix.resolve(stage.workdir, words[0]!);
				mkdirSync(join(stage.root, stage.workdir), { recursive: true });
				break;
			case "COPY": {
				const from = (instruction as Copy)
					.getFlags()
					.find((flag) => flag.getName() === "from")
					?.getValue();
				const source = from === undefined || from === null ? context : stages.get(from)!.root;
				const target = join(stage.root, posix.resolve(stage.workdir, words[1]!));
				mkdirSync(dirname(target), { recursive: true });
				cpSync(join(source, words[0]!), target, { recursive: true, verbatimSymlinks: true });
				break;
			}
			case "RUN": {
				const command = instruction.getArgumentsContent()!;
				const { code, output } = await stage.run(["/bin/sh", "-c", command]);
				if (code !== 0) throw new Error(`RUN ${command} ended with ${code}:\n${output.slice(-4_000)}`);
				break;
			}
			case "ENV":
				for (const property of (instruction as Env).getProperties())
					stage.env[property.getName()] = property.getValue() ?? "";
				break;
			case "USER":
				stage.user = words[0]!;
				break;
			case "VOLUME":
				stage.volumes = words;
				break;
			case "ENTRYPOINT":
				stage.entrypoint = list();
				break;
			case "CMD":
				stage.cmd = list();
				break;
			case "HEALTHCHECK":
				stage.healthCheck = list();
				break;
			case "EXPOSE":
			case "STOPSIGNAL":
				break;
			default:
				throw new Error(`the player does not know ${keyword}`);
		}
	}
	if (stage === null) throw new Error("there is no FROM");
	return stage;
}

/** The variables that say where the certificates of this machine are; npm needs them. */
function certificates(): Record<string, string> {
	return Object.fromEntries(
		Object.entries(process.env).flatMap(([name, value]) =>
			/^(NODE_EXTRA_CA|SSL_CERT|HTTPS?_PROXY|NO_PROXY|npm_config_)/i.test(name) ? [[name, value!]] : [],
		),
	);
}
