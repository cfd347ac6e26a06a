data {
  int N; int age_discrete[N];
  vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; vector[N] educ1; vector[N] gender; vector[N] income;
}
transformed data {
  matrix[N,8] X;
  for (n in 1:N)
    X[n] = [real_ideo[n], race_adj[n], age_discrete[n]==2, age_discrete[n]==3, age_discrete[n]==4, educ1[n], gender[n], income[n]];
}
parameters { vector[9] beta; real<lower=0> sigma; }
model { partyid7 ~ normal_id_glm(X, beta[1], beta[2:9], sigma); }
