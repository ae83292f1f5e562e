// The command that publishes a packed package.

/**
 * The command, for a shell in the root of the checkout. npm takes `release/x.tgz` for a repository on GitHub unless it begins with
 * `./`, and refuses a pre-release without a tag of its own, which keeps `latest` where it is.
 *
 * @example publishCommand("release/fanfare-0.3.0.tgz", "0.3.0"); // "npm publish --provenance --access public ./release/fanfare-0.3.0.tgz"
 */
export function publishCommand(tarball: string, version: string): string {
	const tag = version.includes("-") ? " --tag next" : "";
	return `npm publish --provenance --access public${tag} ./${tarball}`;
}
