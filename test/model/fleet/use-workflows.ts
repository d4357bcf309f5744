/** To be imported before `workflows/`: their imports of the SDK give the model's part from now on. */
import { workflowModule } from './workflow-module';

const path = require.resolve('@temporalio/workflow');
const real = require(path) as object;
const loaded = require.cache[path];
if (loaded === undefined) throw new Error('The SDK for workflows was not loaded.');
loaded.exports = { ...real, ...workflowModule };
