/* SPDX-License-Identifier: MIT */
/* false */
int main(void)
{
	return 1;
}
