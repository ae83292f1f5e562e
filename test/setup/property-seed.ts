// The seed of all property tests, from the variable TEST_SEED: CI gives each commit its own, so that its run can be repeated. Without it,
// each property has a random one, and prints it when it fails.
const seed = process.env["TEST_SEED"];
if (seed !== undefined) {
	const { default: fc } = await import("fast-check");
	fc.configureGlobal({ seed: Number(seed) });
}
