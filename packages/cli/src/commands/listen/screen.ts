// The terminal of `fanfare listen`: lines that scroll, under them one line that is written anew, and the keys that are pressed.
import { emitKeypressEvents } from "node:readline";

/** What a key means, after the library has read its bytes. */
export interface Key {
	/** Such as `up`, `return` or `r`. */
	readonly name: string;
	readonly ctrl: boolean;
	/** The character; empty for keys without one. */
	readonly text: string;
}

const CLEAR_LINE = "\r\u001B[K";
/** Lines that wait while an editor has the terminal; older ones are left out. */
const MAX_WAITING = 1_000;

/** Prints lines, and reads keys if there is somebody to press them. */
export class Screen {
	readonly #hasKeys: boolean;
	#bottom = "";
	#isLent = false;
	readonly #waiting: string[] = [];
	#ends: (() => void)[] = [];

	constructor(hasKeys: boolean) {
		this.#hasKeys = hasKeys;
	}

	get columns(): number {
		return process.stdout.isTTY ? Math.max(40, process.stdout.columns || 80) : Infinity;
	}

	/** Calls `onKey` with each key, until `close`. */
	open(onKey: (key: Key) => void): void {
		if (!this.#hasKeys) return;
		const { stdin } = process;
		emitKeypressEvents(stdin);
		const listener = (text: string | undefined, key: { name?: string; ctrl?: boolean }) => {
			if (this.#isLent) return;
			if (key.ctrl === true && key.name === "z") this.#suspend();
			else onKey({ name: key.name ?? "", ctrl: key.ctrl === true, text: text ?? "" });
		};
		// The shell has set its own mode meanwhile.
		const goOn = () => {
			if (this.#isLent) return;
			stdin.setRawMode(true);
			this.bottom(this.#bottom);
		};
		stdin.on("keypress", listener);
		process.on("SIGCONT", goOn);
		stdin.setRawMode(true);
		stdin.resume();
		this.#ends.push(() => {
			stdin.off("keypress", listener);
			process.off("SIGCONT", goOn);
			stdin.setRawMode(false);
			stdin.pause();
		});
	}

	/** Prints a line above the one at the bottom. `toStderr` for what is not data. */
	line(text: string, toStderr = false): void {
		if (this.#isLent) {
			this.#waiting.push(text);
			if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
			return;
		}
		const output = toStderr ? process.stderr : process.stdout;
		if (this.#bottom === "") output.write(`${text}\n`);
		else process.stderr.write(`${CLEAR_LINE}${text}\n${this.#bottom}`);
	}

	/** Sets the line at the bottom; empty for none. */
	bottom(text: string): void {
		if (!this.#hasKeys) return;
		if (!this.#isLent && (this.#bottom !== "" || text !== "")) process.stderr.write(CLEAR_LINE + text);
		this.#bottom = text;
	}

	/** Gives the terminal to another program, such as an editor. Lines wait meanwhile. */
	async lend<T>(work: () => Promise<T>): Promise<T> {
		this.#isLent = true;
		process.stderr.write(CLEAR_LINE);
		process.stdin.setRawMode(false);
		process.stdin.pause();
		try {
			return await work();
		} finally {
			this.#isLent = false;
			process.stdin.setRawMode(true);
			process.stdin.resume();
			for (const text of this.#waiting.splice(0)) this.line(text);
			this.bottom(this.#bottom);
		}
	}

	/** Gives the terminal back as it was. */
	close(): void {
		this.bottom("");
		for (const end of this.#ends) end();
		this.#ends = [];
	}

	/** As Ctrl-Z does without raw mode. */
	#suspend(): void {
		process.stderr.write(CLEAR_LINE);
		process.stdin.setRawMode(false);
		process.kill(process.pid, "SIGTSTP");
	}
}
