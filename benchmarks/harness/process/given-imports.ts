// The modules that this process was told to load first: its test makes the whole run use a cache of compiled code.

/** Options of Node for processes that this one starts. */
export function givenImports(): string[] {
	return process.execArgv.filter((option) => option.startsWith("--import="));
}
