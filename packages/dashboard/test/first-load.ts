// What a browser loads before it shows a screen: the files of the HTML, and those that the screen's file imports.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** The chunk of a screen as the entry asks for it, and the list of what is fetched with it. */
const SCREEN = /import\(["'`]\.\/([\w-]+)-[\w-]{8}\.js["'`]\),__vite__mapDeps\(\[([\d,]*)\]\)/g;
const STATIC_IMPORT = /(?:\bimport|\bfrom)["'`]\.\/([\w-]+\.js)["'`]/g;

export class BuiltPage {
	readonly #folder: string;

	/** @param folder what the build has written */
	constructor(folder: string) {
		this.#folder = folder;
	}

	/**
	 * The bytes of the first load of each screen by its name, as a browser receives them.
	 *
	 * @param html the HTML as the server sends it
	 */
	firstLoads(html: string): Map<string, number> {
		const named = [...html.matchAll(/(?:src|href)="[^"]*?assets\/([^"]+)"/g)].map(([, name]) => name!);
		const shell = new Set(named.flatMap((name) => [name, ...this.#importedBy(name)]));
		const entry = named.find((name) => name.endsWith(".js"))!;
		const text = this.#read(entry);
		const fetched = /m\.f=\[([^\]]*)\]/.exec(text)?.[1]?.matchAll(/\.\/([\w.-]+)/g) ?? [];
		const list = [...fetched].map(([, name]) => name!);
		const loads = [...text.matchAll(SCREEN)].map(([, screen, places]) => {
			const own = places!.split(",").map((place) => list[Number(place)]!);
			const all = new Set([...shell, ...own, ...own.flatMap((name) => [...this.#importedBy(name)])]);
			const bytes = [...all].reduce((sum, name) => sum + this.#sizeOf(name), gzipSync(html).length);
			return [screen!, bytes] as const;
		});
		return new Map(loads);
	}

	/** All that a script imports before it runs, directly or by others. */
	#importedBy(name: string, found: Set<string> = new Set()): Set<string> {
		if (!name.endsWith(".js")) return found;
		for (const [, imported] of this.#read(name).matchAll(STATIC_IMPORT)) {
			if (found.has(imported!)) continue;
			found.add(imported!);
			this.#importedBy(imported!, found);
		}
		return found;
	}

	#read(name: string): string {
		return readFileSync(join(this.#folder, "assets", name), "utf8");
	}

	#sizeOf(name: string): number {
		const [packed] = globSync(`${name}.gz`, { cwd: join(this.#folder, "assets") });
		return readFileSync(join(this.#folder, "assets", packed ?? name)).length;
	}
}

/** The names of the screens' files in a router's source. */
export function screensIn(source: string): string[] {
	return [...source.matchAll(/import\("[^"]*\/([\w-]+)\.tsx"\)/g)].map(([, name]) => name!);
}
