// The native tests under AddressSanitizer + UndefinedBehaviorSanitizer, then those of the executor and the pipeline
// under ThreadSanitizer.

import { runNativeTests } from './native-tests.mjs';
import { setUp } from './setup.mjs';

setUp({ tests: true });
runNativeTests({ sanitize: 'address,undefined' });
runNativeTests({ sanitize: 'thread', only: ['base', 'pipeline'] });
