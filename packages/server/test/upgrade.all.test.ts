// The current server on data of versions that are older than the one before it.
import { describe } from "vitest";

import { testUpgrade } from "./test-upgrade.ts";

describe("data of version 0.1", () => {
	testUpgrade({ version: "0.1", tables: 20, leased: 2 });
});
