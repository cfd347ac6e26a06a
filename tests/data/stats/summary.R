# Reference values of summary_test.cpp, by the R package posterior (Debian: r-cran-posterior):
#     Rscript tests/data/stats/summary.R > tests/data/stats/summary.csv
# The draws are made by arithmetic that is exact in doubles, so both languages see the same numbers.
suppressMessages(library(posterior))
options(digits = 17, warn = -1)

state <- 1
uniform <- function() {
  state <<- (16807 * state) %% 2147483647
  state / 2147483647
}
# [draw, chain]: x[t] = phi x[t-1] + noise, noise a sum of twelve uniforms less six.
series <- function(seed, chains, draws, phi, shift) {
  state <<- seed
  x <- matrix(0, draws, chains)
  for (c in 1:chains) {
    last <- 0
    for (t in 1:draws) {
      noise <- -6
      for (k in 1:12) noise <- noise + uniform()
      last <- phi * last + noise
      x[t, c] <- last + shift * (c - 1)
    }
  }
  x
}
row <- function(name, seed, chains, draws, phi, shift, rounded) {
  x <- series(seed, chains, draws, phi, shift)
  if (rounded) x <- floor(x)
  q <- quantile(x, c(0.05, 0.5, 0.95), names = FALSE)
  cat(sprintf("%s,%d,%d,%d,%g,%g,%d,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g,%.15g\n", name, seed, chains, draws,
              phi, shift, rounded, mean(x), sd(as.vector(x)), mcse_mean(x), q[1], q[2], q[3], rhat(x), ess_bulk(x),
              ess_tail(x)))
}
cat("name,seed,chains,draws,phi,shift,rounded,mean,sd,mcse,q5,median,q95,rhat,ess_bulk,ess_tail\n")
row("usual", 1, 4, 250, 0.5, 0, 0)
row("odd and apart", 2, 3, 101, 0.9, 0.4, 0)
row("antithetic", 3, 4, 1000, -0.4, 0, 0)
row("slow", 4, 4, 1000, 0.99, 0, 0)
row("few", 5, 2, 20, 0.2, 0, 0)
row("tied", 6, 4, 200, 0.3, 0, 1)
row("one chain", 7, 1, 200, 0.6, 0, 0)
row("tiny", 8, 4, 7, 0, 0, 0)
row("many", 9, 40, 60, 0.3, 0, 0)
