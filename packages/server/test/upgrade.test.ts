// The current server on data of the version before it.
import { describe } from "vitest";

import { testUpgrade } from "./test-upgrade.ts";

describe("data of version 0.2", () => {
	testUpgrade({ version: "0.2", tables: 24, leased: 1 });
});
