// The page-files port: where the built page (packages/dashboard) comes from.

/** One file of the page. The compressed forms are null if the build has none, since they would not be smaller. */
export interface PageFile {
	/** The `Content-Type`. */
	readonly contentType: string;
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly brotli: Uint8Array<ArrayBuffer> | null;
	readonly gzip: Uint8Array<ArrayBuffer> | null;
}

/** The two programs of the page, each by the folder that it is served in: the page of the operator, and the portal of customers. */
export type PageEntry = "ui" | "portal";

/** A page that was built. */
export interface BuiltPage {
	/** The HTML of each entry, with `NONCE_MARK` and `UI_MARK` in the places that differ between requests. */
	readonly shells: Readonly<Record<PageEntry, string>>;
	/** All other files, by their path below `/ui/` and `/portal/`, such as `assets/main-B1x.js`. Each name contains a hash of the content. */
	readonly files: ReadonlyMap<string, PageFile>;
}

/** Reads the page. Returns null if it is not built; it may be built later. */
export type LoadPage = () => BuiltPage | null;

/** Stands for the nonce of the request. */
export const NONCE_MARK = "__FANFARE_NONCE__";
/** Stands for the way from the request's path to `/ui/` or `/portal/`, such as `../` for `/ui/sign-in/x`: right behind any path prefix of a proxy. */
export const UI_MARK = "__FANFARE_UI__";
