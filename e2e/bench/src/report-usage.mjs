/**
 * Preloaded into a measured program: writes what it used into the file named by BENCH_USAGE_FILE when it ends. It is JavaScript,
 * since what Node takes to read types would be part of what is measured.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** `maxRSS` begins with what the parent had when it forked; what Linux says of the memory itself doesn't (proc(5)). */
function peakRssKb(maxRssKb) {
  if (!existsSync('/proc/self/status')) return maxRssKb;
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? maxRssKb);
}

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpu_s: (userCPUTime + systemCPUTime) / 1e6, peak_rss_mb: peakRssKb(maxRSS) / 1024 };
  writeFileSync(String(process.env.BENCH_USAGE_FILE), JSON.stringify(usage));
});
