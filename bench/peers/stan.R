# One Stan run: Rscript stan.R MODEL.stan DATA.json SEED DRAWS.bin CACHE_DIR KEPT
# Compiles (or takes the compiled model from CACHE_DIR), runs 4 chains x (1000 + KEPT) in turn, writes the draws
# as doubles [parameter][chain][draw] and prints one line of JSON: names, compile_s (kept with a cached model),
# warmup_s and sampling_s of each chain, leapfrogs, warmup_leapfrogs, divergent. The caller computes ESS and R-hat,
# with one estimator for both.
suppressMessages({library(rstan); library(jsonlite)})
rstan_options(boost_lib = "/usr/include")
args <- commandArgs(TRUE)
data <- fromJSON(args[2]); seed <- as.integer(args[3])
cached <- file.path(args[5], paste0(sub("\\.stan$", "", basename(args[1])), ".rds"))
source_text <- paste(readLines(args[1]), collapse = "\n")
compile_s <- 0
model <- NULL
if (file.exists(cached)) {
  entry <- readRDS(cached)
  if (identical(entry$source, source_text)) { model <- entry$model; compile_s <- entry$compile_s }
}
if (is.null(model)) {
  # processor time, the compiler's included: it is kept, and must not tell how busy the machine was
  compile_s <- sum(system.time(model <- stan_model(args[1]))[-3])
  dir.create(args[5], showWarnings = FALSE, recursive = TRUE)
  saveRDS(list(source = source_text, model = model, compile_s = compile_s), cached)
}
fit <- sampling(model, data = data, chains = 4, warmup = 1000, iter = 1000 + as.integer(args[6]), cores = 1, refresh = 0, seed = seed)
time <- get_elapsed_time(fit)
draws <- as.array(fit)  # [draw][chain][parameter]
names <- dimnames(draws)$parameters
keep <- names != "lp__"
draws <- draws[, , keep, drop = FALSE]
writeBin(as.vector(draws), args[4])  # column major: draw fastest, then chain, then parameter
sampler <- get_sampler_params(fit, inc_warmup = FALSE)
all_sampler <- get_sampler_params(fit, inc_warmup = TRUE)
cat(toJSON(list(
  names = names[keep], compile_s = compile_s, warmup_s = unname(time[, 1]), sampling_s = unname(time[, 2]),
  leapfrogs = sum(sapply(sampler, function(x) sum(x[, "n_leapfrog__"]))),
  warmup_leapfrogs = sum(sapply(all_sampler, function(x) sum(x[, "n_leapfrog__"]))) -
    sum(sapply(sampler, function(x) sum(x[, "n_leapfrog__"]))),
  divergent = sum(sapply(sampler, function(x) sum(x[, "divergent__"])))), auto_unbox = TRUE, digits = 8), "\n")
