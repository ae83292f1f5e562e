// `npm run build:docs`: builds the site of the documents, which the server serves under /docs.
import { buildDocs } from "./built/docs-build.ts";

await buildDocs();
