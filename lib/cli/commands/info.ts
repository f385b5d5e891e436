import { Slide } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { exitCodes } from '../exit-codes.js';
import { openingOptions, openingTable } from '../opening-options.js';
import { describeSlide, slideReport } from '../slide-report.js';

/** `histojet info SLIDE` */
export const info: Command = async (args, terminal) => {
  const given = splitArguments('info', args, { json: { type: 'boolean' }, ...openingTable });
  const options = new OptionReader(given);
  const path = options.onlyPositional('info', 'SLIDE');
  await using slide = await Slide.open(path, openingOptions(options));
  const report = slideReport(slide);
  terminal.stdout.write(options.flag('json') ? `${JSON.stringify(report, null, 2)}\n` : describeSlide(report));
  return exitCodes.ok;
};
