// Loaded before the tests of the sender that make attempts in a thread: lets their helpers skip tests that can't be made there.
import { TestRunner } from "vitest";

import { skipBy } from "../../packages/server/src/adapters/http/test/open-test-sender.ts";

skipBy((why) => TestRunner.getCurrentTest()?.context.skip(why));
