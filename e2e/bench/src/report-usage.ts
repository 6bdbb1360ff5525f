/** Preloaded into a measured program: writes what it used into the file named by BENCH_USAGE_FILE when it ends. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpu_s: (userCPUTime + systemCPUTime) / 1e6, peak_rss_mb: maxRSS / 1024 };
  writeFileSync(process.env.BENCH_USAGE_FILE!, JSON.stringify(usage));
});
