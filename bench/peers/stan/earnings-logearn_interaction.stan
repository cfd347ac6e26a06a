data { int N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] log_earn = log(earn); matrix[N,3] X = append_col(append_col(height, male), height .* male); }
parameters { vector[4] beta; real<lower=0> sigma; }
model { log_earn ~ normal_id_glm(X, beta[1], beta[2:4], sigma); }
